/* cast/air/air.h: what all loops of a server share. Any thread. */
#ifndef CAST_AIR_AIR_H
#define CAST_AIR_AIR_H

#include <stdint.h>

#include "cast/air/address_count.h"
#include "cast/air/mounts.h"
#include "cast/air/words.h"

struct cast_air {
    struct cast_mounts mounts;
    struct cast_words *words;
    struct cast_address_counts addresses; /* of listeners who came while their number was limited */
    _Atomic uint64_t listeners;           /* of all loops, now */
    _Atomic uint32_t last_id;             /* of a listener */
};

/* 0 or NEAP_ERROR_MEMORY. */
int cast_air_open(struct cast_air *air);

/* No source and no listener may be left. */
void cast_air_close(struct cast_air *air);

#endif
