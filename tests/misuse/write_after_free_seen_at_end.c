// normal: not noticed
// hardened: not noticed
// checked: write after free of block 0x... (size class 1024): byte 0 changed
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 1000);
    neap_heap_free(heap, block);
    misused();
    block[0] = 'w';
    neap_heap_destroy(heap);
    return 0;
}
