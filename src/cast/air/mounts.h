/* cast/air/mounts.h: the list of all mounts by name. Any thread. */
#ifndef CAST_AIR_MOUNTS_H
#define CAST_AIR_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/mount.h"

struct cast_mounts {
    struct neap_os_lock lock;
    struct cast_mount **items; /* by name, each held by the list */
    size_t count, room;
    _Atomic uint32_t version; /* raised whenever a mount comes on air or goes */
};

/* The mount of that name, held for the caller, or NULL. */
struct cast_mount *cast_mounts_find(struct cast_mounts *mounts, const char *name);

/* A source takes a mount: a new one, or one that waits. The facts are taken over, also on failure. Returns 0
 * with *mount, held for the caller; NEAP_ERROR_BUSY: it has a source; NEAP_ERROR_MEMORY: there is none, or
 * there are `most` mounts already. */
int cast_mounts_take(struct cast_mounts *mounts, const char *name, uint64_t queue_bytes, size_t most,
                     struct cast_facts *facts, struct cast_mount **mount);

/* Ends a mount that waits, and takes it off the list. Does nothing if a source has come back. */
void cast_mounts_end(struct cast_mounts *mounts, struct cast_mount *mount);

/* Calls `each` for every mount in the order of their names, with the list locked. */
void cast_mounts_each(struct cast_mounts *mounts, void (*each)(void *context, struct cast_mount *mount),
                      void *context);

/* Ends all; no source and no listener may be left. */
void cast_mounts_clear(struct cast_mounts *mounts);

#endif
