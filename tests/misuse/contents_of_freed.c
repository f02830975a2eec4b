// normal: exit 1
// hardened: not noticed
// checked: not noticed
#include "misuse.h"

enum { COUNT = 3000, BYTES = 64 };

/* A secret is freed, and the next owner of the memory looks for it: exit 1 if it is found. */
int main(int argc, char **argv) {
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    static char *blocks[COUNT];
    neap_heap_t *heap = heap_with(mode(argc, argv));
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = neap_heap_alloc(heap, BYTES);
        memcpy(blocks[i], "----------------", 16);
        memcpy(blocks[i] + 16, secret, sizeof(secret));
    }
    for (int i = 0; i < COUNT; i++)
        neap_heap_free(heap, blocks[i]);
    misused();
    for (int i = 0; i < COUNT; i++) {
        char *block = neap_heap_alloc(heap, BYTES);
        if (memcmp(block + 16, secret, sizeof(secret)) == 0)
            return 1;
    }
    return 0;
}
