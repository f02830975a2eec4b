/* cast/air/listener.h: one listener: an offset in a ring, and what is said of him. 136 bytes, and no buffer.
 *
 *     what he is sent:   rest of a title | Ogg headers | audio | title | audio …
 *                                          `meta_left` counts down over headers and audio
 */
#ifndef CAST_AIR_LISTENER_H
#define CAST_AIR_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include <neap/stream.h>

#include "cast/air/blob.h"

enum { CAST_NO_TITLES = UINT32_MAX };

struct cast_listener {
    struct neap_stream_reader reader;
    struct cast_blob *headers; /* of which a part is still to be sent before the ring, or NULL */
    struct cast_blob *title;   /* of which a part was sent; the rest goes before all else. Or NULL */
    uint64_t sent_bytes;       /* of everything but the head of the answer */
    uint8_t address[16];       /* as in struct neap_os_address */
    uint32_t headers_sent, title_sent;
    uint32_t meta_left;     /* bytes until the next title; CAST_NO_TITLES: he did not ask for any */
    uint32_t title_version; /* that he was sent last */
    int socket;
    uint32_t id;                  /* as an administrator names him */
    uint32_t since_s, progress_s; /* of the fan-out's clock: when he came, and when he last took something */
    uint32_t until_s;             /* when he has to go; 0: never */
    uint32_t agent, referrer, user; /* words */
    uint32_t home; /* word: the mount that he asked for, while he hears its fallback; else 0 */
    uint16_t seat; /* of the fan-out: which mount he hears */
    uint16_t port;
    bool used, blocked; /* blocked: his socket is full */
    bool told_slow;     /* the log has it that he is slow */
    bool counted;       /* in the counts of addresses */
    uint8_t minor;      /* of the version of HTTP that he speaks */
};

/* Why a listener ended. */
enum cast_end {
    CAST_END_LEFT,    /* he closed the connection, or it broke */
    CAST_END_SILENT,  /* he took nothing for too long */
    CAST_END_TIME,    /* his time limit passed */
    CAST_END_SOURCE,  /* the mount ended and has no fallback */
    CAST_END_KILLED,  /* an administrator ended him */
    CAST_END_OVERRUN, /* he was sent bytes that the writer changed meanwhile */
    CAST_END_STOPPED, /* the server stops */
};

#endif
