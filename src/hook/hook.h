/* hook/hook.h: what the preloaded library gives out by name, for whoever looks
 * with dlsym (the Python package does).
 */
#ifndef NEAP_HOOK_HOOK_H
#define NEAP_HOOK_HOOK_H

#include <stdint.h>

#include <neap/heap.h>

/* The heap that serves this process's CPython; NULL if none does. Any thread. */
__attribute__((visibility("default"))) neap_heap_t *neap_hook_heap(void);

/* Gives back all that can be, libc's free memory too; bytes. The caller holds the GIL. */
__attribute__((visibility("default"))) uint64_t neap_hook_trim(void);

/* neap_heap_stats of that heap; `stats` is untouched if there is none. */
__attribute__((visibility("default"))) void neap_hook_stats(struct neap_heap_stats *stats);

#endif
