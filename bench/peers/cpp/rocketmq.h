/* What the driver needs of rocketmq-client-cpp's C interface; the wheel brings the library without its headers. */
#ifndef PEER_ROCKETMQ_H
#define PEER_ROCKETMQ_H

typedef struct CProducer CProducer;
typedef struct CMessage CMessage;

typedef struct {
    int status;
    char message_id[256];
    long long offset;
} CSendResult;

typedef struct {
    int error;
    int line;
    char file[256];
    char text[512];
    char type[128];
} CMQException;

/* Both structures travel by value, and there is no word of the caller's: callbacks cannot tell messages apart. */
typedef void (*CSendSuccessCallback)(CSendResult result);
typedef void (*CSendExceptionCallback)(CMQException exception);

enum { LOG_ERRORS_ONLY = 2 };

/* Every int is 0 for success. */
CProducer *CreateProducer(const char *group);
int SetProducerNameServerAddress(CProducer *producer, const char *address);
int SetProducerLogLevel(CProducer *producer, int level);
int SetProducerSendMsgTimeout(CProducer *producer, int milliseconds);
int SetProducerCompressMsgBodyOverHowmuch(CProducer *producer, int bytes);
int SetProducerMaxMessageSize(CProducer *producer, int bytes);
int StartProducer(CProducer *producer);

CMessage *CreateMessage(const char *topic);
int SetByteMessageBody(CMessage *message, const char *body, int len);

int SendMessageSync(CProducer *producer, CMessage *message, CSendResult *result);
int SendMessageAsync(CProducer *producer, CMessage *message, CSendSuccessCallback, CSendExceptionCallback);
int SendMessageOneway(CProducer *producer, CMessage *message);
const char *GetLatestErrorMessage(void);

#endif
