/* System calls that sleep while the world is stopped go on as if nothing had been, or say EINTR as
 * documented. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "as_user.h"
#include "os/clock.h"
#include "os/world.h"

enum { ROUNDS = 20, SLEEP_MS = 300, LONG_S = 1000 };

static struct neap_os_world world;

/* What the sleeper and whoever wakes it share. */
static int pipes[2], sockets[2], listener, queue, semaphores, watched;
static struct sockaddr_un listens_at = {.sun_family = AF_UNIX};
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool condition_holds;
static pid_t child;
static char lock_path[] = "/tmp/neap-world-XXXXXX";
static int lock_file;
static pthread_t sleeper;

static struct timespec in_long(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += LONG_S;
    return time;
}

static int is_one(long result) {
    return result == 1 ? 0 : -1;
}

/* --- calls, each 0 or -1 with errno, and what ends them -------------------- */

static int call_read(void) {
    char byte;
    return is_one(read(pipes[0], &byte, 1));
}

static void wake_pipe(void) {
    assert_int_equal(write(pipes[1], "x", 1), 1);
}

static char bytes[1 << 20];
static size_t pipe_room; /* of an empty pipe */

static void fill_pipe(void) {
    int flags = fcntl(pipes[1], F_GETFL);
    fcntl(pipes[1], F_SETFL, flags | O_NONBLOCK);
    pipe_room = 0;
    for (ssize_t put; (put = write(pipes[1], bytes, 4096)) > 0;)
        pipe_room += (size_t)put;
    fcntl(pipes[1], F_SETFL, flags);
}

static int call_write(void) {
    return is_one(write(pipes[1], bytes, 1));
}

static void drain(size_t left) {
    while (left > 0) {
        ssize_t got = read(pipes[0], bytes, left);
        assert_true(got > 0);
        left -= (size_t)got;
    }
}

static void wake_write(void) {
    drain(pipe_room + 1);
}

/* A call that has moved a part of its bytes returns how many; the program goes on with the rest. */
static int call_write_much(void) {
    for (size_t left = sizeof(bytes); left > 0;) {
        ssize_t put = write(pipes[1], bytes, left);
        if (put <= 0)
            return -1;
        left -= (size_t)put;
    }
    return 0;
}

static void wake_write_much(void) {
    drain(sizeof(bytes));
}

static int call_poll(void) {
    struct pollfd polled = {.fd = pipes[0], .events = POLLIN};
    return poll(&polled, 1, -1) == 1 ? call_read() : -1;
}

static int call_poll_timed(void) {
    struct pollfd polled = {.fd = pipes[0], .events = POLLIN};
    uint64_t until_ns = neap_os_now_ns() + SLEEP_MS * UINT64_C(1000000);
    return poll(&polled, 1, SLEEP_MS) == 0 && neap_os_now_ns() >= until_ns ? 0 : -1;
}

static int call_ppoll(void) {
    struct pollfd polled = {.fd = pipes[0], .events = POLLIN};
    struct timespec time = {LONG_S, 0};
    return ppoll(&polled, 1, &time, NULL) == 1 ? call_read() : -1;
}

static int call_select(void) {
    fd_set set;
    struct timeval time = {LONG_S, 0};
    FD_ZERO(&set);
    FD_SET(pipes[0], &set);
    return select(pipes[0] + 1, &set, NULL, NULL, &time) == 1 ? call_read() : -1;
}

static int call_epoll(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int poller = epoll_create1(EPOLL_CLOEXEC), result;
    epoll_ctl(poller, EPOLL_CTL_ADD, pipes[0], &event);
    result = epoll_wait(poller, &event, 1, -1) == 1 ? call_read() : -1;
    int error = errno;
    close(poller);
    errno = error;
    return result;
}

static int call_recv(void) {
    char byte;
    return is_one(recv(sockets[0], &byte, 1, 0));
}

static int call_recv_timed(void) {
    struct timeval time = {LONG_S, 0}, none = {0};
    setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
    int result = call_recv(), error = errno;
    setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
    errno = error;
    return result;
}

static void wake_socket(void) {
    assert_int_equal(send(sockets[1], "x", 1, 0), 1);
}

static int call_accept(void) {
    int accepted = accept(listener, NULL, NULL);
    return accepted < 0 ? -1 : close(accepted);
}

static void wake_accept(void) {
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&listens_at, sizeof(listens_at)), 0);
    close(client);
}

static int call_nanosleep(void) {
    struct timespec time = {0, SLEEP_MS * 1000000};
    uint64_t until_ns = neap_os_now_ns() + SLEEP_MS * UINT64_C(1000000);
    return nanosleep(&time, NULL) == 0 && neap_os_now_ns() >= until_ns ? 0 : -1;
}

static int call_nanosleep_absolute(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec++;
    errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    return errno ? -1 : 0;
}

static int call_sem_wait(void) {
    return sem_wait(&semaphore);
}

static int call_sem_timedwait(void) {
    struct timespec time = in_long(CLOCK_REALTIME);
    return sem_timedwait(&semaphore, &time);
}

static void wake_semaphore(void) {
    sem_post(&semaphore);
}

static int call_mutex(void) {
    errno = pthread_mutex_lock(&mutex);
    return errno ? -1 : pthread_mutex_unlock(&mutex);
}

static void hold_mutex(void) {
    pthread_mutex_lock(&mutex);
}

static void wake_mutex(void) {
    pthread_mutex_unlock(&mutex);
}

static int call_condition(void) {
    struct timespec time = in_long(CLOCK_REALTIME);
    int error = 0;
    pthread_mutex_lock(&mutex);
    while (!condition_holds && error == 0)
        error = pthread_cond_timedwait(&condition, &mutex, &time);
    condition_holds = false;
    pthread_mutex_unlock(&mutex);
    errno = error;
    return error ? -1 : 0;
}

static void wake_condition(void) {
    pthread_mutex_lock(&mutex);
    condition_holds = true;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
}

static sigset_t only_usr2(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return set;
}

static int call_sigwait(void) {
    sigset_t set = only_usr2();
    int number;
    errno = sigwait(&set, &number);
    return errno ? -1 : 0;
}

static int call_sigtimedwait(void) {
    sigset_t set = only_usr2();
    struct timespec time = {LONG_S, 0};
    return sigtimedwait(&set, NULL, &time) == SIGUSR2 ? 0 : -1;
}

static void wake_signal(void) {
    pthread_kill(sleeper, SIGUSR2);
}

static int call_waitpid(void) {
    int status;
    return waitpid(child, &status, 0) == child ? 0 : -1;
}

static void make_child(void) {
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
}

static void wake_waitpid(void) {
    kill(child, SIGKILL);
}

static int with_lock_file(int (*lock)(int file)) {
    int file = open(lock_path, O_RDWR | O_CLOEXEC), result = lock(file), error = errno;
    close(file);
    errno = error;
    return result;
}

static int lock_whole(int file) {
    return flock(file, LOCK_EX);
}

static int lock_range(int file) {
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    return fcntl(file, F_OFD_SETLKW, &range);
}

static int call_flock(void) {
    return with_lock_file(lock_whole);
}

static void hold_flock(void) {
    flock(lock_file, LOCK_EX);
}

static void wake_flock(void) {
    flock(lock_file, LOCK_UN);
}

static int call_range_lock(void) {
    return with_lock_file(lock_range);
}

static void set_range(short type) {
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    fcntl(lock_file, F_OFD_SETLK, &range);
}

static void hold_range(void) {
    set_range(F_WRLCK);
}

static void wake_range(void) {
    set_range(F_UNLCK);
}

static int call_msgrcv(void) {
    struct {
        long type;
        char byte;
    } message;
    return is_one(msgrcv(queue, &message, 1, 0, 0));
}

static void wake_msgrcv(void) {
    struct {
        long type;
        char byte;
    } message = {1, 'x'};
    msgsnd(queue, &message, 1, 0);
}

static int semaphore_add(short number) {
    struct sembuf step = {.sem_op = number};
    return semop(semaphores, &step, 1);
}

static int call_semop(void) {
    return semaphore_add(-1);
}

static void wake_semop(void) {
    semaphore_add(1);
}

static int call_inotify(void) {
    char event[512];
    return read(watched, event, sizeof(event)) > 0 ? 0 : -1;
}

static void wake_inotify(void) {
    assert_int_equal(pwrite(lock_file, "x", 1, 0), 1);
}

static void nothing(void) {}

/* --- the table ----------------------------------------------------------- */

static const struct call {
    const char *name;
    int (*call)(void);
    void (*before)(void);
    void (*wake)(void);
    bool may_say_eintr; /* signal(7): after a stop and SIGCONT, even without a handler */
} calls[] = {
    {"read", call_read, nothing, wake_pipe, false},
    {"write", call_write, fill_pipe, wake_write, false},
    {"write of more than there is room for", call_write_much, nothing, wake_write_much, false},
    {"poll", call_poll, nothing, wake_pipe, false},
    {"poll with a time", call_poll_timed, nothing, nothing, false},
    {"ppoll", call_ppoll, nothing, wake_pipe, false},
    {"select", call_select, nothing, wake_pipe, false},
    {"recv", call_recv, nothing, wake_socket, false},
    {"accept", call_accept, nothing, wake_accept, false},
    {"nanosleep", call_nanosleep, nothing, nothing, false},
    {"clock_nanosleep", call_nanosleep_absolute, nothing, nothing, false},
    {"sem_wait", call_sem_wait, nothing, wake_semaphore, false},
    {"sem_timedwait", call_sem_timedwait, nothing, wake_semaphore, false},
    {"pthread_mutex_lock", call_mutex, hold_mutex, wake_mutex, false},
    {"pthread_cond_timedwait", call_condition, nothing, wake_condition, false},
    {"sigwait", call_sigwait, nothing, wake_signal, false},
    {"waitpid", call_waitpid, make_child, wake_waitpid, false},
    {"flock", call_flock, hold_flock, wake_flock, false},
    {"fcntl lock", call_range_lock, hold_range, wake_range, false},
    {"msgrcv", call_msgrcv, nothing, wake_msgrcv, false},
    {"read of inotify", call_inotify, nothing, wake_inotify, false},
    {"epoll_wait", call_epoll, nothing, wake_pipe, true},
    {"recv with SO_RCVTIMEO", call_recv_timed, nothing, wake_socket, true},
    {"sigtimedwait", call_sigtimedwait, nothing, wake_signal, true},
    {"semop", call_semop, nothing, wake_semop, true},
};

struct sleep {
    const struct call *call;
    volatile pid_t tid;
    volatile bool over;
    int result, error, interrupted;
};

/* A call that says EINTR is made again, as a program does. */
static void *sleep_in_call(void *context) {
    struct sleep *sleep = context;
    sleep->tid = gettid();
    while ((sleep->result = sleep->call->call()) != 0 && errno == EINTR && sleep->call->may_say_eintr)
        sleep->interrupted++;
    sleep->error = errno;
    sleep->over = true;
    return NULL;
}

static char state_of(pid_t tid) {
    char path[64], state = '\0';
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
            state = '\0';
        fclose(file);
    }
    return state;
}

/* Until the call sleeps; it is not seen in another sleep on its way, or that ends soon. */
static void asleep_await(const struct sleep *sleep) {
    for (int seen = 0; seen < 3 && !sleep->over; neap_os_sleep_ns(1000000))
        seen = sleep->tid && state_of(sleep->tid) == 'S' ? seen + 1 : 0;
}

static void act_count(void *count) {
    ++*(int *)count;
}

static void call_assert(const struct call *call) {
    struct sleep sleep = {.call = call};
    int acts = 0, stops = 0;
    call->before();
    pthread_create(&sleeper, NULL, sleep_in_call, &sleep);
    for (int round = 0; round < ROUNDS && !sleep.over; round++, stops++) {
        asleep_await(&sleep);
        assert_int_equal(neap_os_world_stop(&world, 10 * 1000 * 1000, act_count, &acts, NULL), NEAP_OK);
    }
    if (sleep.over && call->wake != nothing)
        print_error("%s: it ended after %d stops with %d: %s\n", call->name, stops, sleep.result,
                    strerror(sleep.error));
    assert_int_equal(acts, stops);
    assert_true(call->wake == nothing || stops == ROUNDS);
    call->wake();
    pthread_join(sleeper, NULL);
    if (sleep.result != 0)
        print_error("%s: %s\n", call->name, strerror(sleep.error));
    assert_int_equal(sleep.result, 0);
    if (call->may_say_eintr)
        print_message("%s said EINTR in %d of %d stops\n", call->name, sleep.interrupted, stops);
}

static void test_sleeping_calls_go_on(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        call_assert(&calls[i]);
}

/* --- all ----------------------------------------------------------------- */

static int begin(void **state) {
    (void)state;
    sigset_t blocked = only_usr2();
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    strcpy(lock_path + sizeof(lock_path) - sizeof("XXXXXX"), "XXXXXX");
    lock_file = mkstemp(lock_path);
    snprintf(listens_at.sun_path + 1, sizeof(listens_at.sun_path) - 1, "neap-world-%d", getpid());
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    queue = msgget(IPC_PRIVATE, 0600);
    semaphores = semget(IPC_PRIVATE, 1, 0600);
    watched = inotify_init1(IN_CLOEXEC);
    sem_init(&semaphore, 0, 0);
    bool made = lock_file >= 0 && queue >= 0 && semaphores >= 0 && pipe(pipes) == 0 &&
                bind(listener, (const struct sockaddr *)&listens_at, sizeof(listens_at)) == 0 &&
                listen(listener, 1) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0 &&
                inotify_add_watch(watched, lock_path, IN_MODIFY) >= 0;
    return made ? neap_os_world_open(&world, prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0) : -1;
}

static int end(void **state) {
    (void)state;
    const int files[] = {pipes[0], pipes[1], sockets[0], sockets[1], listener, watched, lock_file};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        close(files[i]);
    unlink(lock_path);
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    neap_os_world_close(&world);
    return 0;
}

static int group(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sleeping_calls_go_on)};
    neap_os_world_open(&world, prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0);
    enum neap_os_world_refusal refusal = neap_os_world_try(&world);
    neap_os_world_close(&world);
    if (refusal != NEAP_OS_WORLD_FREE) { /* test_world_refusal.c has whether that is right */
        print_message("test_world_calls is skipped: %s\n", neap_os_world_refusal_text(refusal));
        return 0;
    }
    return cmocka_run_group_tests_name("calls", tests, begin, end);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
    print_message(
        "test_world_calls is skipped: the checker takes the stopper for the thread that sleeps for it\n");
    return 77;
#endif
    return run_as_root_and_user(group);
}
