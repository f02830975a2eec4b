// normal: not noticed
// hardened: not noticed
// checked: write past the end of block 0x... (run of 25 pages, 100000 bytes asked): byte 100000 overwritten
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 100000);
    misused();
    block[100000] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
