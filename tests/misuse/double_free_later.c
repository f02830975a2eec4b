// normal: not noticed
// hardened: depends on chance
// checked: double free of block 0x... (size class 512): it was freed before
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 500);
    neap_heap_free(heap, block);
    for (int i = 0; i < 1000; i++)
        neap_heap_free(heap, block_of(heap, 500));
    misused();
    neap_heap_free(heap, block);
    neap_heap_trim(heap); /* empties the magazines, where blocks wait */
    return 0;
}
