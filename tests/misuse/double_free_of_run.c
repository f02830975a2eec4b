// normal: free of 0x...: no block in use is there, it was freed before or never handed out
// hardened: free of 0x...: no block in use is there, it was freed before or never handed out
// checked: double free of block 0x... (run of 25 pages): it was freed before
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    neap_heap_free(heap, block);
    return 0;
}
