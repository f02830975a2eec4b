// normal: not noticed
// hardened: not noticed
// checked: write after free of block 0x... (run of 25 pages): byte 50000 changed
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    block[50000] = 'w';
    neap_heap_trim(heap);
    return 0;
}
