// normal: not noticed
// hardened: not noticed
// checked: write after free of block 0x... (size class 80): byte 12 changed
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    neap_heap_free(heap, block);
    misused();
    block[12] = 'w';
    neap_heap_trim(heap);
    return 0;
}
