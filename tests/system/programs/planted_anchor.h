/* An anchor that looks like a heap that serves, for programs that pretend to have one. */
#ifndef PLANTED_ANCHOR_H
#define PLANTED_ANCHOR_H

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "heap/layout.h"

static inline void anchor_plant(struct neap_layout_anchor *anchor) {
    *anchor = (struct neap_layout_anchor){
        NEAP_LAYOUT_ANCHOR_SIZES,   .state = NEAP_STATE_SERVING, .heap = 0x1000,
        .helper = NEAP_HELPER_RUNS, .pid = (uint32_t)getpid(),
    };
    memcpy(anchor->magic, NEAP_LAYOUT_MAGIC, sizeof(anchor->magic)); /* last, because it makes it valid */
}

#endif
