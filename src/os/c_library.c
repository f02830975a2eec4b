/* os/c_library.c: the weak references. */
#include "os/c_library.h"

#include <stddef.h>

#include <neap/error.h>

#define GLIBC_ONLY __attribute__((weak, visibility("default")))

extern int neap__os_malloc_trim(size_t kept_bytes) __asm__("malloc_trim") GLIBC_ONLY;
extern const char *neap__os_glibc_version(void) __asm__("gnu_get_libc_version") GLIBC_ONLY;
extern int neap__os_register_atfork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void),
                                    void *library) __asm__("__register_atfork") GLIBC_ONLY;

/* What glibc knows this library by, so that the handlers go when it is closed. The compiler's start-up code
 * defines it. */
extern void *neap__os_this_library __asm__("__dso_handle") __attribute__((visibility("hidden")));

bool neap_os_c_library_is_glibc(void) {
    return neap__os_glibc_version && neap__os_malloc_trim && neap__os_register_atfork;
}

int neap_os_fork_handlers(void (*before)(void), void (*in_parent)(void), void (*in_child)(void)) {
    if (!neap__os_register_atfork)
        return NEAP_ERROR_SYSTEM;
    return neap__os_register_atfork(before, in_parent, in_child, neap__os_this_library) == 0
               ? NEAP_OK
               : NEAP_ERROR_MEMORY;
}

void neap__os_c_library_trim(void) {
    if (neap__os_malloc_trim)
        neap__os_malloc_trim(0);
}
