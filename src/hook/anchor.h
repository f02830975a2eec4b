/* hook/anchor.h: the anchor, where another process begins to read (heap/layout.h). */
#ifndef NEAP_HOOK_ANCHOR_H
#define NEAP_HOOK_ANCHOR_H

#include "heap/layout.h"
#include "heap/model.h"

/* The one anchor of this library. The constructor fills it. Later, helper.c writes the state and the
 * answers of the helper, and the pid of a forked child. */
extern struct neap_layout_anchor neap__anchor;

/* Fills in the sizes, the pid and the library's own path. The state is NEAP_STATE_ABSENT. */
void neap__anchor_init(void);

/* Notes that `heap` serves CPython. */
void neap__anchor_serving(const neap_heap_t *heap);

/* Notes why no heap serves CPython. `reason` is copied. */
void neap__anchor_refused(const char *reason);

#endif
