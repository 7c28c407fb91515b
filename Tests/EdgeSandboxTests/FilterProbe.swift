import EdgeSystem
import EdgeTestSupport
import Glibc

@testable import EdgeSandbox

/// A small C program that installs a filter in itself and makes every call that it is told of.
enum FilterProbe {
  private static let folder = TemporaryDirectory()

  /// Where the compiled program lies; nil where this machine has no C compiler.
  static let path: String? = {
    guard let compiler = programPath("cc") ?? programPath("clang") else { return nil }
    let output = folder.path("filter-probe")
    let result = try? runProgram(
      compiler, ["-x", "c", "-O1", "-D_GNU_SOURCE", "-o", output, "-"],
      environment: ["PATH=/usr/local/bin:/usr/bin:/bin"], input: Array(source.utf8))
    return result?.status == 0 ? output : nil
  }()

  static var isAvailable: Bool { path != nil }

  /// What the kernel answers to each call, as the program sees it: −errno or a result.
  /// - Parameter isOpen: whether the probe's own way out is let through by its address.
  static func answers(_ program: [UInt8], _ calls: [SeccompCall], isOpen: Bool) throws -> [Int64] {
    func bytes(_ number: UInt64) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    var input =
      bytes(UInt64(program.count / 8)) + bytes(UInt64(calls.count)) + bytes(isOpen ? 1 : 0)
    input += program
    for call in calls {
      input += bytes(UInt64(call.number))
      for argument in call.arguments { input += bytes(argument) }
    }
    let result = try runProgram(path ?? "absent", input: input, seconds: 60)
    guard result.status == 0, result.stdout.count == calls.count * 8 else {
      throw ProbeProblem(text: "\(result.status), \(result.stdout.count) bytes, \(result.errors)")
    }
    return stride(from: 0, to: result.stdout.count, by: 8).map { start in
      Int64(
        bitPattern: (0..<8).reversed().reduce(UInt64(0)) {
          $0 << 8 | UInt64(result.stdout[start + $1])
        })
    }
  }

  struct ProbeProblem: Error { let text: String }

  /// The program in which every action has become an error of its own, so that no call happens.
  static func translated(_ program: [UInt8]) -> [UInt8] {
    var bytes = program
    for start in stride(from: 0, to: bytes.count, by: 8) where bytes[start] == 0x06 {
      let raw = (4..<8).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[start + $1]) }
      let error = 0x0005_0000 | UInt32(code(SeccompAction(raw: raw)))
      for byte in 0..<4 { bytes[start + 4 + byte] = UInt8(truncatingIfNeeded: error >> (8 * byte)) }
    }
    return bytes
  }

  /// The error that stands for an action.
  static func code(_ action: SeccompAction) -> Int64 {
    switch action {
    case .allow: 1000
    case .notify: 1001
    case .killProcess: 1002
    case .killThread: 1003
    case .trap: 1004
    case .log: 1005
    case .trace: 1006
    case .error(let number): 2000 + Int64(number)
    }
  }

  private static let source = #"""
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <stddef.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    #if defined(__x86_64__)
    #define MAKE(end) \
      register long r10 __asm__("r10") = (long)a[3]; \
      register long r8 __asm__("r8") = (long)a[4]; \
      register long r9 __asm__("r9") = (long)a[5]; \
      long answer; \
      __asm__ volatile("syscall\n" end : "=a"(answer) \
                       : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) \
                       : "rcx", "r11", "memory"); \
      return answer;
    #elif defined(__aarch64__)
    #define MAKE(end) \
      register long x8 __asm__("x8") = number; \
      register long x0 __asm__("x0") = (long)a[0]; \
      register long x1 __asm__("x1") = (long)a[1]; \
      register long x2 __asm__("x2") = (long)a[2]; \
      register long x3 __asm__("x3") = (long)a[3]; \
      register long x4 __asm__("x4") = (long)a[4]; \
      register long x5 __asm__("x5") = (long)a[5]; \
      __asm__ volatile("svc 0\n" end : "+r"(x0) \
                       : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory"); \
      return x0;
    #endif
    static __attribute__((noinline)) long probe(long number, const uint64_t *a) { MAKE("") }
    extern char own_end[];
    static __attribute__((noinline, noclone)) long own(long number, const uint64_t *a) {
      MAKE(".globl own_end\nown_end:")
    }
    static int take(void *to, size_t size) {
      char *at = to;
      while (size > 0) {
        ssize_t got = read(0, at, size);
        if (got <= 0) return -1;
        at += got;
        size -= got;
      }
      return 0;
    }
    int main(void) {
      uint64_t head[3];
      if (take(head, sizeof head)) return 10;
      struct sock_filter *filter = malloc((head[0] + 5) * sizeof *filter);
      uint64_t *calls = malloc(head[1] * 7 * 8);
      int64_t *answers = malloc(head[1] * 8);
      uint64_t own_address = (uint64_t)own_end;
      struct sock_filter way_out[5] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)own_address, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(own_address >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      };
      unsigned extra = head[2] ? 5 : 0;
      memcpy(filter, way_out, extra * sizeof *filter);
      if (take(filter + extra, head[0] * 8) || take(calls, head[1] * 7 * 8)) return 11;
      struct sock_fprog program = {(unsigned short)(head[0] + extra), filter};
      if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return 12;
      if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return 13;
      for (uint64_t i = 0; i < head[1]; i++) {
        answers[i] = probe((long)calls[i * 7], calls + i * 7 + 1);
      }
      size_t size = head[1] * 8;
      for (char *at = (char *)answers; size > 0;) {
        uint64_t a[6] = {1, (uint64_t)at, size};
        long put = own(SYS_write, a);
        if (put <= 0) break;
        at += put;
        size -= put;
      }
      uint64_t a[6] = {size > 0};
      own(SYS_exit_group, a);
      return 14;
    }
    """#
}
