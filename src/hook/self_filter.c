/* hook/self_filter.c: replaces prctl. */
#include "hook/self_filter.h"

#include <stdarg.h>
#include <unistd.h>

#include "hook/anchor.h"
#include "hook/helper.h"
#include "hook/hook.h"
#include "os/filter_watch.h"

/* A child that shares the memory of its parent until it executes something (vfork) speaks for itself only. */
static void prepare(void) {
    if (neap_hook_heap() && neap__anchor.pid == (uint32_t)getpid() && !neap_os_filter_is_own()) {
        neap__helper_start();
        neap_os_filter_foreseen();
        neap__helper_settle();
    }
}

int neap__prctl(int request, ...) {
    unsigned long words[NEAP_OS_PRCTL_WORDS];
    va_list arguments;
    va_start(arguments, request);
    for (int i = 0; i < NEAP_OS_PRCTL_WORDS; i++)
        words[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (neap_os_prctl_confines(request))
        prepare();
    return neap_os_prctl(request, words);
}
