/* The wall clock of one process, set at will: LD_PRELOAD this library, with CLOCK_OFFSET the name of
 * a file that holds an int64, the nanoseconds to add. The file is mapped: a change counts at once.
 *
 * Monotonic clocks stay, as when a machine's wall clock is set. Deadlines on the wall clock are
 * translated back for the kernel, which knows nothing of this: a wait takes as long as its caller
 * meant. A wait that is under way during a jump keeps its length; on a machine it would end early or
 * late. Waits by direct futex calls on the wall clock are not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define WALL 1000000000 /* s: deadlines above are of the wall clock, machines run for less */

static const int64_t none = 0;
static const volatile int64_t *offset = &none;

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("CLOCK_OFFSET");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) offset = mapped;
    close(file);
}

static struct timespec moved(struct timespec at, int64_t by) {
    int64_t total = at.tv_sec * SECOND + at.tv_nsec + by;
    struct timespec result = {total / SECOND, total % SECOND};
    return result;
}

static struct timespec for_kernel(const struct timespec *at) {
    return at->tv_sec > WALL ? moved(*at, -*offset) : *at;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    REAL(clock_gettime);
    int result = real(clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *at = moved(*at, *offset);
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *at, int base) {
    REAL(timespec_get);
    int result = real(at, base);
    if (result == TIME_UTC) *at = moved(*at, *offset);
    return result;
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
    const struct timespec *restrict until) {
    static __typeof__(pthread_cond_timedwait) *real; /* dlsym would give the oldest version */
    if (!real) real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    struct timespec at = for_kernel(until);
    return real(cond, mutex, &at);
}

int cnd_timedwait(
    cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until) {
    REAL(cnd_timedwait);
    struct timespec at = for_kernel(until);
    return real(cond, mutex, &at);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    REAL(sem_timedwait);
    struct timespec at = for_kernel(until);
    return real(semaphore, &at);
}
