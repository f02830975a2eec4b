// dies: neap: free of 0x...: inside block 0x... (run of 25 pages), not its start
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 100000);
    misused();
    neap_heap_free(heap, block + 70000);
    return 0;
}
