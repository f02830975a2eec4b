/* hook/anchor.h: where another process begins to read (heap/layout.h). */
#ifndef NEAP_HOOK_ANCHOR_H
#define NEAP_HOOK_ANCHOR_H

#include "heap/layout.h"
#include "heap/model.h"

/* The one anchor of this library. Written by the constructor, and by the helper
 * when it answers a request. */
extern struct neap_layout_anchor neap__anchor;

/* Fills in what never changes: sizes, process, the library's own path. */
void neap__anchor_init(void);

/* Says that `heap` serves. */
void neap__anchor_serving(const neap_heap_t *heap);

/* Says why no heap serves; `reason` is copied. */
void neap__anchor_refused(const char *reason);

#endif
