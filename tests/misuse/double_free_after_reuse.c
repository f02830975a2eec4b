// all: not noticed
#include "misuse.h"

/* The block has another owner by now. Only the pointers' use could tell that the second free is wrong. */
int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *stale = neap_heap_alloc(heap, 70), *same = NULL;
    uintptr_t address = (uintptr_t)stale;
    neap_heap_free(heap, stale);
    for (int i = 0; i < 1000000 && (uintptr_t)same != address; i++) {
        neap_heap_free(heap, same);
        same = neap_heap_alloc(heap, 70);
    }
    misused();
    if ((uintptr_t)same == address)
        neap_heap_free(heap, hidden(stale));
    return 0;
}
