// normal: free of 0x...: inside block 0x... (102400 bytes), not its start
// hardened: free of 0x...: inside block 0x... (102400 bytes), not its start
// checked: free of 0x...: inside block 0x... (run of 25 pages), not its start
#include "misuse.h"

int main(int argc, char **argv) {
    neap_heap_t *heap = heap_with(mode(argc, argv));
    char *block = block_of(heap, 100000);
    misused();
    neap_heap_free(heap, block + 70000);
    return 0;
}
