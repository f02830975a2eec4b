// normal: not noticed
// hardened: not noticed
// checked: write past the end of block 0x... (size class 80, 70 bytes asked): byte 71 overwritten
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    misused();
    block[71] = 'w';
    neap_heap_realloc(heap, block, 300);
    return 0;
}
