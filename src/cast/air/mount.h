/* cast/air/mount.h: one mount: a ring of bytes, what its source says of them, and how many listen.
 *
 *     source ──claim, receive, commit──> ring ──offsets──> listeners of every loop (fanout.h)
 *
 *     OPEN: made, no byte yet ─> ON_AIR ─source lost─> WAITING ─timeout─> ENDED ─last holder─> destroyed
 *                                   ^───same name, in time───┘
 *
 * A source that comes back in time goes on where the last one ended: same ring, same listeners. An ended
 * mount is no longer in the list (mounts.h). Its listeners get what is left and then move to its fallback or
 * leave.
 *
 * Threads: the loop of the source calls begin, claim, commit and lose. Everything else may be called by any
 * thread. `lock` guards the texts, blobs and starts; counters are atomic; the ring needs no lock.
 */
#ifndef CAST_AIR_MOUNT_H
#define CAST_AIR_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/stream.h>

#include "cast/air/blob.h"
#include "cast/format/ogg_pages.h"
#include "os/address.h"
#include "os/thread.h"

enum {
    CAST_RING_BLOCK_BYTES = 4096,
    CAST_STARTS_MOST = 256, /* the last places where a listener of an Ogg stream can begin */
};

enum cast_mount_state {
    CAST_MOUNT_OPEN,
    CAST_MOUNT_ON_AIR,
    CAST_MOUNT_WAITING,
    CAST_MOUNT_ENDED,
};

/* What a source says of its stream; strings of at most some hundred bytes, "" if it says nothing. */
struct cast_facts {
    char *content_type, *stream_name, *description, *genre, *url, *bitrate, *agent, *audio_info;
    char *relay_path; /* of a relay: where the stream has come along (cast/format/relay_path.h) */
    bool is_public;
    uint64_t since_s; /* when the source came, seconds since 1970 */
};

struct cast_mount {
    char *name;
    neap_stream_t *ring;
    uint64_t queue_bytes; /* how far behind a listener may be; the ring is larger, so that the writer comes
                             near nobody */
    bool is_ogg;
    _Atomic uint32_t holders;
    _Atomic uint32_t state; /* enum cast_mount_state */
    _Atomic uint64_t listeners, listeners_peak, listeners_ever;
    _Atomic uint64_t sent_bytes, received_bytes, moved_ahead;
    _Atomic uint64_t lost_ms;    /* when the source was lost, of the clock that cast_mount_lose was told */
    struct cast_ogg_pages pages; /* of the loop of the source */
    struct neap_os_lock lock;
    struct cast_facts facts;
    char *title, *fallback;            /* UTF-8, never NULL; `fallback` "" if there is none */
    struct cast_blob *title_block;     /* as ICY has it; NULL as long as there is no title */
    uint32_t title_version;            /* raised with each title; 0: none yet */
    struct cast_blob *headers;         /* of an Ogg stream: pages that a new listener gets first */
    uint64_t starts[CAST_STARTS_MOST]; /* offsets, rising, in a ring of their own */
    unsigned start_first, start_count;
    uint64_t chain_at; /* of an Ogg stream: where what its source sends begins */
    bool hidden;
};

/* Makes a mount with one holder. It takes over the facts and their strings.
 * NULL if there is no memory; the facts then are the caller's. */
struct cast_mount *cast_mount_new(const char *name, uint64_t queue_bytes, const struct cast_facts *facts);

struct cast_mount *cast_mount_hold(struct cast_mount *mount);
void cast_mount_drop(struct cast_mount *mount);

void cast_facts_clear(struct cast_facts *facts);

/* Another source goes on with a mount that waits. It takes over the facts. */
void cast_mount_resume(struct cast_mount *mount, struct cast_facts *facts);

/* Where the source's next bytes go: at most `bytes`, at least one. */
void cast_mount_claim(struct cast_mount *mount, size_t bytes, struct neap_span *span);

/* Puts the first `bytes` of the claim on air. */
void cast_mount_commit(struct cast_mount *mount, const struct neap_span *span, size_t bytes);

/* The source is lost; the mount waits for another. */
void cast_mount_lose(struct cast_mount *mount, uint64_t now_ms);

/* Sets the title, in UTF-8, for all listeners who asked for titles. NEAP_ERROR_MEMORY: the old one stays. */
int cast_mount_set_title(struct cast_mount *mount, const char *title, const char *url);

/* The offset at which a new listener begins, at most burst_bytes and the queue before the end; of an Ogg
 * stream, the start of a page; until a page after the headers has begun, the start of the stream. *headers is
 * what he gets before, held, or NULL; the two belong together, also when a new chain begins meanwhile. */
uint64_t cast_mount_entry(struct cast_mount *mount, uint64_t burst_bytes, struct cast_blob **headers);

/* Whether the writer comes near a listener who is at `offset`. Any thread. */
bool cast_mount_is_late(const struct cast_mount *mount, uint64_t offset);

/* Where such a listener goes on: half a queue behind. Of an Ogg stream, the first start after that. */
uint64_t cast_mount_landing(struct cast_mount *mount);

/* Verifies every invariant. Returns false, with a static text in *why, at the first that does not hold. No
 * source may write meanwhile. */
bool cast_mount_check(struct cast_mount *mount, const char **why);

#endif
