/* cast/server/source.h: a source: its bytes go from the socket straight into the ring of its mount.
 *
 *     recv ──> claimed part of the ring ──chunks and ICY titles taken out, in place──> commit
 *
 * One thread, that of the loop of its connection.
 */
#ifndef CAST_SERVER_SOURCE_H
#define CAST_SERVER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/mount.h"
#include "cast/format/request.h"

struct cast_loop;
struct cast_source;

/* Takes a mount for a source whose request was accepted. Returns 0 with *source; NEAP_ERROR_BUSY: the mount
 * has a source; NEAP_ERROR_MEMORY: none, or too many mounts. `user` and `peer` are for the log. */
int cast_source_new(struct cast_loop *loop, const struct cast_request *request, const char *mount_name,
                    const struct neap_os_address *peer, struct cast_source **source);

enum cast_source_outcome {
    CAST_SOURCE_GOES_ON,
    CAST_SOURCE_ENDED,  /* its body is complete */
    CAST_SOURCE_FAILED, /* its connection broke, or its body is malformed */
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
