// dies: neap: free of 0x...: not a block of this heap
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(0);
    int local = 0;
    misused();
    neap_heap_free(heap, hidden(&local));
    return 0;
}
