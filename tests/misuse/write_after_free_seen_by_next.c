// normal: not noticed
// hardened: write after free of block 0x... (size class 80): byte 0 changed
// checked: write after free of block 0x... (size class 80): byte 0 changed
#include "misuse.h"

/* What Py_INCREF of a freed object does. */
int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    neap_heap_free(heap, block);
    misused();
    ++*(size_t *)(void *)block;
    for (int i = 0; i < 100000; i++)
        neap_heap_free(heap, neap_heap_alloc(heap, 70));
    return 0;
}
