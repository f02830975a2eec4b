/* cast/server/source.h: a source: its bytes go from the socket straight into the ring of its mount.
 *
 *     a client that sends (connection.h) ──┐
 *                                          ├─> recv ──> claimed part of the ring ──> commit
 *     a server that is asked (pull.h) ─────┘             `-- chunks and ICY titles taken out, in place
 *
 * One thread, that of the loop of its connection.
 */
#ifndef CAST_SERVER_SOURCE_H
#define CAST_SERVER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/mount.h"
#include "cast/format/head.h"

struct cast_loop;
struct cast_source;

/* What a source is made of. All of it is copied. */
struct cast_source_offer {
    const char *mount_name;
    const struct cast_head *head; /* of the request of a client, or of the answer of a server */
    struct cast_body body;        /* opened for it */
    const struct neap_os_address *peer;
    bool is_relay;          /* the server was asked; whoever did writes the log */
    const char *relay_path; /* of a relay: where the stream has come along (relay_path.h); else NULL */
};

/* Takes a mount for a source. Returns 0 with *source; NEAP_ERROR_BUSY: the mount has a source;
 * NEAP_ERROR_MEMORY: none, or too many mounts. */
int cast_source_new(struct cast_loop *loop, const struct cast_source_offer *offer,
                    struct cast_source **source);

enum cast_source_outcome {
    CAST_SOURCE_GOES_ON,
    CAST_SOURCE_ENDED,  /* its body is complete */
    CAST_SOURCE_BROKEN, /* its connection broke before its body was complete */
    CAST_SOURCE_MALFORMED,
};

/* Takes bytes that came with the head. */
enum cast_source_outcome cast_source_feed(struct cast_source *source, const char *bytes, size_t count);

/* Reads what the socket has. */
enum cast_source_outcome cast_source_read(struct cast_source *source, int socket);

/* Whether nothing came for longer than the mount's timeout. */
bool cast_source_is_silent(const struct cast_source *source, uint64_t now_ms);

struct cast_mount *cast_source_mount(const struct cast_source *source);

/* Ends the source. Its mount waits for another. */
void cast_source_end(struct cast_source *source);

#endif
