/* Warms up, measures and reports one mode of sending. */
#include "driver.h"

typedef struct {
    const char *name;
    tally_t (*section)(rmq_producer_t *, const work_t *, uint64_t count);
} sending_t;

static const sending_t modes[] = {
    {"lone", blocking}, {"threads", blocking}, {"async", async}, {"oneway", oneway}, {"batch", batch},
};

int main(int argc, char **argv)
{
    work_t work = work_from(argc, argv);
    const size_t known = sizeof modes / sizeof *modes;
    size_t mode = 0;
    while (mode < known && strcmp(modes[mode].name, work.mode) != 0)
        mode++;
    if (mode == known) {
        fprintf(stderr, "unknown mode %s\n", work.mode);
        return 2;
    }
    rmq_producer_t *producer = producer_for(&work);
    free(modes[mode].section(producer, &work, work.warm_up).latencies);
    stopwatch_t from = stopwatch();
    tally_t tally = modes[mode].section(producer, &work, work.count);
    stopwatch_t to = stopwatch();
    /* A callback that comes twice after the end would crash here: closing delivers what is left. */
    check(rmq_producer_close(producer, TIMEOUT_MS), "rmq_producer_close");
    rmq_producer_destroy(producer);
    print_outcome(&work, &tally, from, to);
    free(tally.latencies);
    return 0;
}
