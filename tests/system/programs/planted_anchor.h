/* An anchor that looks like a heap that serves, for programs that pretend to have one. */
#ifndef PLANTED_ANCHOR_H
#define PLANTED_ANCHOR_H

#include "heap/layout.h"

static const struct neap_layout_anchor planted = {
    .version = NEAP_LAYOUT_VERSION,
    .anchor_bytes = sizeof(struct neap_layout_anchor),
    .heap_bytes = sizeof(struct neap_layout_heap),
    .region_bytes = sizeof(struct neap_layout_region),
    .unit_bytes = sizeof(struct neap_layout_unit),
    .class_bytes = sizeof(struct neap_layout_class),
    .event_bytes = sizeof(struct neap_layout_event),
    .mapped_run_bytes = sizeof(struct neap_layout_mapped_run),
    .pointer_bytes = sizeof(void *),
    .state = NEAP_STATE_SERVING,
    .heap = 0x1000,
    .helper = NEAP_HELPER_RUNS,
};

#endif
