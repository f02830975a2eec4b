/* cast/server/pull.h: one attempt of a relay to get its stream: from a name to a source, and to its end.
 *
 *     RESOLVING ──addresses──> CONNECTING ──> ASKING ──200, and the mount is free──> ON_AIR
 *         ^                      │   ^ │         │                                      │
 *         │             fails:   └───┘ │         │ no 200, no head, too late            │ ends, is silent,
 *         │          next address      v         v                                      v is malformed
 *         └──────one redirection─────────────── ENDED, and the relay is told why (relay.h)
 *
 * What comes from the other server is held to the rules of request.h and then to those of a source. A stream
 * that has already been on the own mount is not taken (relay_path.h). One thread, that of the loop.
 */
#ifndef CAST_SERVER_PULL_H
#define CAST_SERVER_PULL_H

#include <stdbool.h>
#include <stdint.h>

struct cast_loop;
struct cast_mount;
struct cast_pull;

struct cast_pull_calls {
    /* The mount has the stream. `address` is the other server's, with its port. */
    void (*on_air)(void *context, const char *address);
    /* The attempt is over: the caller calls cast_pull_end, within or later. `why` is a line for the log that
     * does not live on. */
    void (*ended)(void *context, const char *why);
};

/* Makes one. The texts are copied. NULL if there is no memory, or `url` is none. */
struct cast_pull *cast_pull_new(struct cast_loop *loop, const char *mount_name, const char *url,
                                const struct cast_pull_calls *calls, void *context);

/* Begins. It may be over before this returns. */
void cast_pull_begin(struct cast_pull *pull);

/* Ends it, whatever it is doing, without a call. The mount waits for another source. */
void cast_pull_end(struct cast_pull *pull);

/* Called each second: what is past its deadline, or silent, ends. */
void cast_pull_sweep(struct cast_pull *pull, uint64_t now_ms);

/* The mount that it is the source of, or NULL. */
const struct cast_mount *cast_pull_mount(const struct cast_pull *pull);

#endif
