// normal: free of 0x...: inside block 0x... (size class 80), not its start
// hardened: realloc of 0x...: no block in use starts there
// checked: realloc of 0x...: inside block 0x... (size class 80), not its start
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 70);
    misused();
    neap_heap_realloc(heap, block + 32, 200);
    neap_heap_trim(heap); /* empties the magazines, where blocks wait */
    return 0;
}
