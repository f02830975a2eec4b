// dies: neap: realloc of 0x...: not a block of this heap
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    int local = 0;
    misused();
    neap_heap_realloc(heap, hidden(&local), 200);
    return 0;
}
