/* hook/anchor.c: fills the anchor. */
#include "hook/anchor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct neap_layout_anchor neap__anchor __attribute__((aligned(16)));

void neap__anchor_init(void) {
    Dl_info self;
    neap__anchor = (struct neap_layout_anchor){
        NEAP_LAYOUT_ANCHOR_SIZES,
        .state = NEAP_STATE_ABSENT,
        .pid = (uint32_t)getpid(),
        .reason = "no Python was found in this process",
    };
    if (dladdr(&neap__anchor, &self) != 0 && self.dli_fname)
        snprintf(neap__anchor.library, sizeof(neap__anchor.library), "%s", self.dli_fname);
    memcpy(neap__anchor.magic, NEAP_LAYOUT_MAGIC,
           sizeof(neap__anchor.magic)); /* last, because it makes the anchor valid */
}

void neap__anchor_serving(const neap_heap_t *heap) {
    neap__anchor.heap = (uintptr_t)&heap->layout;
    neap__anchor.reason[0] = '\0';
    neap__anchor.state = NEAP_STATE_SERVING;
}

void neap__anchor_refused(const char *reason) {
    snprintf(neap__anchor.reason, sizeof(neap__anchor.reason), "%s", reason);
    neap__anchor.state = NEAP_STATE_REFUSED;
}
