/*
 * As much of CRIU's RPC as the benchmark's client needs: requests put together by hand, answers
 * looked through for the fields it wants. Field numbers are those of proto/criu_rpc.proto.
 */
#ifndef CRIU_RPC_H
#define CRIU_RPC_H
#include "bench.h"

enum { DUMP = 1, RESTORE = 2, PRE_DUMP = 4, NOTIFY = 6, FEATURE_CHECK = 9 };
/* In criu_req and criu_resp. */
enum { REQ_OPTS = 2, REQ_NOTIFY_SUCCESS = 3, REQ_KEEP_OPEN = 4, REQ_FEATURES = 5 };
enum { RESP_TYPE = 1, RESP_SUCCESS = 2, RESP_NOTIFY = 5, RESP_ERROR = 9 };
/* In criu_opts. */
enum {
  OPT_DIR_FD = 1, OPT_PID = 2, OPT_LOG_LEVEL = 9, OPT_PS = 11, OPT_NOTIFY = 12, OPT_PARENT = 14,
  OPT_TRACK = 15, OPT_CGROUPS = 34, OPT_CONFIG = 51, PS_FD = 4
};

struct message {
  uint8_t bytes[2048];
  size_t length;
};

static inline void put_varint(struct message *m, uint64_t value) {
  for (; value >= 0x80; value >>= 7) m->bytes[m->length++] = value | 0x80;
  m->bytes[m->length++] = value;
}

static inline void put_number(struct message *m, int field, uint64_t value) {
  put_varint(m, field << 3);
  put_varint(m, value);
}

static inline void put_bytes(struct message *m, int field, const void *data, size_t length) {
  put_varint(m, field << 3 | 2);
  put_varint(m, length);
  memcpy(m->bytes + m->length, data, length);
  m->length += length;
}

static inline void put_text(struct message *m, int field, const char *text) {
  put_bytes(m, field, text, strlen(text));
}

static inline void put_message(struct message *m, int field, const struct message *inner) {
  put_bytes(m, field, inner->bytes, inner->length);
}

static inline uint64_t take_varint(const uint8_t **at, const uint8_t *end) {
  uint64_t value = 0;
  for (int shift = 0; *at < end; shift += 7) {
    uint8_t byte = *(*at)++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

/* A field of an answer: its number, or where its bytes are. CRIU sends only these two kinds. */
struct field {
  int found;
  uint64_t number;
  const uint8_t *bytes;
};

static inline struct field field_of(const uint8_t *at, size_t length, int wanted) {
  struct field field = {0};
  for (const uint8_t *end = at + length; at < end;) {
    uint64_t key = take_varint(&at, end), value = take_varint(&at, end);
    if (key >> 3 == (uint64_t)wanted) field = (struct field){1, value, at};
    if ((key & 7) == 2) at += value;
  }
  return field;
}
#endif
