// normal: realloc of 0x...: no block in use starts there
// hardened: realloc of 0x...: no block in use starts there
// checked: double realloc of block 0x... (run of 25 pages): it was freed before
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    neap_heap_realloc(heap, block, 200000);
    return 0;
}
