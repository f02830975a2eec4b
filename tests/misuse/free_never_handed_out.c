// dies: neap: free of 0x...: no block in use is there, it was freed before or never handed out
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 70);
    misused();
    neap_heap_free(heap, block + (8 << 20));
    return 0;
}
