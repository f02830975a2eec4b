// normal: double free of block 0x... (size class 80): it was freed before
// hardened: realloc of 0x...: no block in use starts there
// checked: double realloc of block 0x... (size class 80): it was freed before
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    neap_heap_free(heap, block);
    misused();
    neap_heap_realloc(heap, block, 90);
    neap_heap_trim(heap); /* empties the magazines, where blocks wait */
    return 0;
}
