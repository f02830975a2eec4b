// normal: exit 1
// hardened: not noticed
// checked: not noticed
#include "misuse.h"

enum { TRIES = 100 };

/* A stale pointer is of most use when the block is handed out again at once: exit 1 if it is, in
 * more than a tenth of the tries. */
int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    int same = 0;
    misused();
    for (int i = 0; i < TRIES; i++) {
        char *stale = block_of(heap, 70);
        uintptr_t address = (uintptr_t)stale;
        neap_heap_free(heap, stale);
        same += (uintptr_t)neap_heap_alloc(heap, 70) == address;
    }
    return same > TRIES / 10;
}
