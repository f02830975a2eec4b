// dies: neap: realloc of 0x...: inside block 0x... (size class 80), not its start
#include "misuse.h"

int main(void) {
    neap_heap_t *heap = heap_with(NEAP_HEAP_CHECKED);
    char *block = block_of(heap, 70);
    misused();
    neap_heap_realloc(heap, block + 32, 200);
    return 0;
}
