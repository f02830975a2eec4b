// normal: not noticed
// hardened: signal 11
// checked: not noticed
#include "misuse.h"

/* Without a page without access, the next block would be read. */
int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    neap_heap_t *same = heap;
    char *block = neap_heap_alloc(heap, 100000);
    char *next = neap_heap_alloc(same, 100000);
    if (next < block)
        block = next;
    misused();
    return ((volatile char *)block)[100000 + 4096] == 'w';
}
