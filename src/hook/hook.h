/* hook/hook.h: the functions that the preloaded library exports. The Python package finds them
 * with dlsym.
 */
#ifndef NEAP_HOOK_HOOK_H
#define NEAP_HOOK_HOOK_H

#include <stdint.h>

#include <neap/heap.h>

/* The heap that serves CPython in this process; NULL if none does. Any thread. */
__attribute__((visibility("default"))) neap_heap_t *neap_hook_heap(void);

/* Gives back all free memory, that of libc too. Returns bytes. The caller holds the GIL. */
__attribute__((visibility("default"))) uint64_t neap_hook_trim(void);

/* neap_heap_stats of that heap. If there is none, `stats` is unchanged. */
__attribute__((visibility("default"))) void neap_hook_stats(struct neap_heap_stats *stats);

#endif
