/* Counts the bytes that a process holds of malloc, with what malloc needs for each piece. Loaded before everything else
   (LD_PRELOAD); the count lies in the file that RMQ_BENCH_HELD names, as one number of the machine. The children of that
   process count for themselves alone. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Atomic int64_t before_main;
static _Atomic(_Atomic int64_t *) held = &before_main;

__attribute__((constructor)) static void share_the_count(void)
{
    const char *name = getenv("RMQ_BENCH_HELD");
    if (name == NULL)
        return;
    int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof(int64_t)) != 0)
        return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page == MAP_FAILED)
        return;
    unsetenv("RMQ_BENCH_HELD");
    atomic_store((_Atomic int64_t *)page, atomic_load(&before_main));
    atomic_store(&held, (_Atomic int64_t *)page);
}

static void count(void *memory, int64_t sign)
{
    if (memory != NULL)
        atomic_fetch_add_explicit(atomic_load_explicit(&held, memory_order_relaxed),
                                  sign * (int64_t)(malloc_usable_size(memory) + sizeof(size_t)), memory_order_relaxed);
}

static void *counted(void *memory)
{
    count(memory, 1);
    return memory;
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
    return counted(__libc_calloc(number, size));
}

void *realloc(void *memory, size_t size)
{
    void *moved;
    count(memory, -1);
    moved = __libc_realloc(memory, size);
    /* What could not grow is there as before. */
    count(moved == NULL && size > 0 ? memory : moved, 1);
    return moved;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

void *memalign(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = counted(__libc_memalign(alignment, size));
    if (memory == NULL)
        return ENOMEM;
    *out = memory;
    return 0;
}

void free(void *memory)
{
    count(memory, -1);
    __libc_free(memory);
}
