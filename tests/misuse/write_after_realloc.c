// normal: not noticed
// hardened: not noticed
// checked: write after free of block 0x... (size class 80): byte 3 changed
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *stale = block_of(heap, 70);
    char *block = neap_heap_realloc(heap, stale, 75);
    misused();
    stale[3] = 'w';
    neap_heap_free(heap, block);
    neap_heap_trim(heap);
    return 0;
}
