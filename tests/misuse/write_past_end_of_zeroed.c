// normal: not noticed
// hardened: not noticed
// checked: write past the end of block 0x... (size class 96, 96 bytes asked): byte 97 overwritten
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = neap_heap_calloc(heap, 12, 8);
    misused();
    block[97] = 'w';
    neap_heap_free(heap, block);
    return 0;
}
