/* Which processes may have pages that the kernel writes to by itself. */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/own_pins.h"

static void a_plain_process(void **state) {
    (void)state;
    int pair[2], files[] = {open("/dev/null", O_RDWR),
                            epoll_create1(0),
                            eventfd(0, 0),
                            timerfd_create(CLOCK_MONOTONIC, 0),
                            open("/proc/self/maps", O_RDONLY),
                            open("/tmp", O_RDONLY)};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_false(neap_os_may_have_pins());
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        close(files[i]);
    close(pair[0]);
    close(pair[1]);
}

static void native_aio(void **state) {
    (void)state;
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 8, &context) != 0)
        skip(); /* this kernel has none */
    assert_true(neap_os_may_have_pins());
    syscall(SYS_io_destroy, context);
    assert_false(neap_os_may_have_pins());
}

/* The mapping keeps the ring when the descriptor is closed. */
static void io_uring(void **state) {
    (void)state;
    uint32_t parameters[30] = {0}; /* struct io_uring_params: 120 bytes */
    int ring = (int)syscall(425 /* io_uring_setup */, 4, parameters);
    if (ring < 0)
        skip(); /* this kernel has none, or forbids it */
    assert_true(neap_os_may_have_pins());
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *mapped = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    close(ring);
    assert_true(neap_os_may_have_pins());
    munmap(mapped, page);
    assert_false(neap_os_may_have_pins());
}

static void locked_pages(void **state) {
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *one = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (syscall(SYS_mlock, one, page) != 0) /* a sanitizer makes nothing of mlock() */
        skip();                             /* RLIMIT_MEMLOCK */
    assert_true(neap_os_may_have_pins());
    syscall(SYS_munlock, one, page);
    assert_false(neap_os_may_have_pins());
    munmap(one, page);
}

static void names(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool may;
    } cases[] = {
        {"/dev/infiniband/uverbs0", true},
        {"/dev/nvidia0", true},
        {"/dev/dri/renderD128", true},
        {"/dev/vfio/vfio", true},
        {"/dev/kvm", true},
        {"/[aio] (deleted)", true},
        {"anon_inode:[io_uring]", true},
        {"anon_inode:kvm-vm", true},
        {"anon_inode:[userfaultfd]", true},
        {"/dev/null", false},
        {"/dev/pts/3", false},
        {"/dev/shm/ring", false},
        {"anon_inode:[eventpoll]", false},
        {"socket:[123]", false},
        {"pipe:[5]", false},
        {"/dev/nullb0", true},
        {"/dev/ttyS0", false},
        {"/dev/zero (deleted)", false},
        {"/home/dev/nvidia0", false},
        {"[heap]", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(neap__os_name_may_pin(cases[i].name), cases[i].may);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_process), cmocka_unit_test(native_aio), cmocka_unit_test(io_uring),
        cmocka_unit_test(locked_pages),    cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
