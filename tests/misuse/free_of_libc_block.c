// dies: neap: free of 0x...: not a block of this heap
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    void *block = malloc(70);
    misused();
    neap_heap_free(heap, hidden(block));
    return 0;
}
