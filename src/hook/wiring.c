/* hook/wiring.c: replaces mlockall and munlockall. */
#include "hook/wiring.h"

#include <errno.h>

#include "heap/model.h"
#include "heap/wired.h"
#include "hook/hook.h"
#include "os/memory.h"

int neap__mlockall(int flags) {
    neap_heap_t *heap = neap_hook_heap();
    if (heap)
        neap__wired_before(heap);
    int result = neap_os_wire_all(flags);
    if (result != 0 && errno == ENOMEM && heap) {
        neap__heap_yield(heap, neap_os_wire_limit_bytes());
        result = neap_os_wire_all(flags);
    }
    if (result == 0 && heap) {
        int error = errno;
        neap__wired_after(heap, neap_os_wires_future(flags));
        errno = error;
    }
    return result;
}

int neap__munlockall(void) {
    neap_heap_t *heap = neap_hook_heap();
    int result = neap_os_unwire_all();
    if (result == 0 && heap) {
        neap_os_lock(&heap->lock);
        neap__wired_over(heap);
        neap_os_unlock(&heap->lock);
    }
    return result;
}
