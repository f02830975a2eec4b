// normal: not noticed
// hardened: not noticed
// checked: double size of block 0x... (size class 80): it was freed before
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    neap_heap_free(heap, block);
    misused();
    neap_heap_usable_bytes(heap, block);
    return 0;
}
