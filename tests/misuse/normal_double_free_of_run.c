// dies: neap: free of 0x...: no block in use is there, it was freed before or never handed out
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(0);
    char *block = block_of(heap, 100000);
    neap_heap_free(heap, block);
    misused();
    neap_heap_free(heap, block);
    return 0;
}
