// Values get places by liveness, weights and states in the order of the module, functions the signature of the team.
// RUN: nibble-opt --plan-arena %s | FileCheck %s

!x = tensor<1x64xf32>
!cache = memref<1x1x16x64xf16>

// 256 bytes for the one value of @decode that lives during the calls, two more for @layer; 2048 of a cache, 256 of rows;
// 100 bytes of norm take two lines of 64.
// CHECK: lm.model @m {{.*}} lm.arena_bound = 768 : i64, lm.arena_bytes = 768 : i64, lm.state_bytes = 2304 : i64, lm.weights_bytes = 512 : i64
lm.model @m {architecture = "llama", layers = 1 : i64, embedding = 64 : i64, heads = 1 : i64, kv_heads = 1 : i64,
  head_dim = 64 : i64, feed_forward = 64 : i64, vocabulary = 64 : i64, context = 16 : i64, chunk = 1 : i64}
// CHECK: lm.weight @odd : {{.*}} {offset = 0 : i64}
lm.weight @odd : tensor<25xf32> from [#lm.source<"m", 0, 100, "f32">]
// CHECK: lm.weight @norm : {{.*}} {offset = 128 : i64}
lm.weight @norm : tensor<64xf32> from [#lm.source<"m", 128, 256, "f32">]
// CHECK: lm.weight @last : {{.*}} {offset = 384 : i64}
lm.weight @last : tensor<32xf32> from [#lm.source<"m", 384, 128, "f32">]
// CHECK: lm.state @keys : {{.*}} {offset = 0 : i64}
lm.state @keys : !cache
// CHECK: lm.state @hidden : {{.*}} {offset = 2048 : i64}
lm.state @hidden : memref<1x64xf32>

// What the callee needs lies beside what its caller keeps during the call. Its input is read to the end, so its result goes
// to its last argument but three.
// CHECK: func.func private @layer(%[[ARENA:.*]]: memref<768xi8>, %[[STATE:.*]]: memref<2304xi8>, %{{.*}}: memref<512xi8>, %[[X:.*]]: memref<1x64xf32>, %[[N:.*]]: index, %{{.*}}: memref<64xf32>, %[[OUT:.*]]: memref<1x64xf32>, %{{.*}}: !llvm.ptr, %{{.*}}: index, %{{.*}}: index) {
func.func private @layer(%x: !x, %n: index, %norm: tensor<64xf32>) -> !x {
  // CHECK: %[[C512:.*]] = arith.constant 512 : index
  // CHECK: %[[A:.*]] = memref.view %[[ARENA]][%[[C512]]][] : memref<768xi8> to memref<1x64xf32>
  // CHECK: lm.rms_norm %[[X]], %{{.*}}, %[[N]] into %[[A]]
  %0 = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  // CHECK: %[[C2048:.*]] = arith.constant 2048 : index
  // CHECK: %[[H:.*]] = memref.view %[[STATE]][%[[C2048]]][] : memref<2304xi8> to memref<1x64xf32>
  %h = lm.state_ref @hidden : memref<1x64xf32>
  // CHECK: lm.state_write %[[A]], %[[N]] into %[[H]]
  lm.state_write %0, %n into %h : !x, memref<1x64xf32>
  // CHECK: lm.rms_norm %[[A]], %{{.*}}, %[[N]] into %[[OUT]]
  %1 = lm.rms_norm %0, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  lm.state_write %x, %n into %h : !x, memref<1x64xf32>
  // CHECK: return{{$}}
  return %1 : !x
}

// CHECK-LABEL: func.func @decode(
// CHECK-SAME: %[[ARENA:[^:]*]]: memref<768xi8>, %[[STATE:[^:]*]]: memref<2304xi8>, %[[WEIGHTS:[^:]*]]: memref<512xi8>, %[[X:[^:]*]]: memref<1x64xf32>, %[[N:[^:]*]]: index, %[[OUT:[^:]*]]: memref<1x64xf32>, %[[TEAM:[^:]*]]: !llvm.ptr, %[[TID:[^:]*]]: index, %[[NT:[^:]*]]: index)
func.func @decode(%x: !x, %n: index) -> !x {
  // CHECK: %[[C128:.*]] = arith.constant 128 : index
  // CHECK: %[[NORM:.*]] = memref.view %[[WEIGHTS]][%[[C128]]][] : memref<512xi8> to memref<64xf32>
  %norm = lm.weight_ref @norm : tensor<64xf32>
  // CHECK: %[[A:.*]] = memref.view %[[ARENA]][%{{.*}}][]
  // CHECK: lm.rms_norm %[[X]], %[[NORM]], %[[N]] into %[[A]]
  %0 = lm.rms_norm %x, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  // CHECK: %[[C256:.*]] = arith.constant 256 : index
  // CHECK: %[[B:.*]] = memref.view %[[ARENA]][%[[C256]]][]
  // CHECK: call @layer(%[[ARENA]], %[[STATE]], %[[WEIGHTS]], %[[A]], %[[N]], %[[NORM]], %[[B]], %[[TEAM]], %[[TID]], %[[NT]])
  %1 = call @layer(%0, %n, %norm) : (!x, index, tensor<64xf32>) -> !x
  // A value that nobody reads any more leaves its place to the next.
  // CHECK: %[[C0:.*]] = arith.constant 0 : index
  // CHECK: %[[C:.*]] = memref.view %[[ARENA]][%[[C0]]][]
  // CHECK: call @layer({{.*}}, %[[B]], %[[N]], %[[NORM]], %[[C]], %[[TEAM]]
  %2 = call @layer(%1, %n, %norm) : (!x, index, tensor<64xf32>) -> !x
  // The result is written where the caller wants it.
  // CHECK: lm.rms_norm %[[C]], %[[NORM]], %[[N]] into %[[OUT]]
  %3 = lm.rms_norm %2, %norm, %n {epsilon = 1.0e-05 : f64} : (!x, tensor<64xf32>, index) -> !x
  return %3 : !x
}
