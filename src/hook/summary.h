/* hook/summary.h: what `neap run --summary` prints when the program ends. */
#ifndef NEAP_HOOK_SUMMARY_H
#define NEAP_HOOK_SUMMARY_H

#include <neap/heap.h>

/* Writes the summary of `heap` to standard error. No thread may be in the heap. */
void neap__summary_print(neap_heap_t *heap);

#endif
