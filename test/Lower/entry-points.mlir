// The C functions of the ABI load the members of nibble_step (runtime/include/nibble/abi.h) that each entry point takes.
// RUN: nibble-opt --emit-entry-points %s | FileCheck %s

// The model's functions are called by nobody else now.
// CHECK: llvm.func internal @decode
llvm.func @decode(%arena: !llvm.ptr, %state: !llvm.ptr, %weights: !llvm.ptr, %tokens: !llvm.ptr, %pos: i64, %n: i64,
                  %logits: !llvm.ptr, %team: !llvm.ptr, %tid: i64, %nthreads: i64) { llvm.return }
// CHECK: llvm.func internal @prefill
llvm.func @prefill(%arena: !llvm.ptr, %state: !llvm.ptr, %weights: !llvm.ptr, %tokens: !llvm.ptr, %pos: i64, %n: i64,
                   %team: !llvm.ptr, %tid: i64, %nthreads: i64) { llvm.return }
// CHECK: llvm.func internal @head
llvm.func @head(%arena: !llvm.ptr, %state: !llvm.ptr, %weights: !llvm.ptr, %row: i64, %logits: !llvm.ptr,
                %team: !llvm.ptr, %tid: i64, %nthreads: i64) { llvm.return }

// CHECK: llvm.func @nibble_decode(%[[STEP:.*]]: !llvm.ptr, %[[TID:.*]]: i32, %[[NT:.*]]: i32)
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][0] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK: %[[ARENA:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][8]
// CHECK: %[[STATE:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][16]
// CHECK: %[[WEIGHTS:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][24]
// CHECK: %[[TOKENS:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][32]
// CHECK: %[[POS:.*]] = llvm.load %[[P]] : !llvm.ptr -> i64
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][40]
// CHECK: %[[N:.*]] = llvm.load %[[P]] : !llvm.ptr -> i64
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][56]
// CHECK: %[[LOGITS:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[P:.*]] = llvm.getelementptr %[[STEP]][64]
// CHECK: %[[TEAM:.*]] = llvm.load %[[P]] : !llvm.ptr -> !llvm.ptr
// CHECK: %[[TID64:.*]] = llvm.sext %[[TID]] : i32 to i64
// CHECK: %[[NT64:.*]] = llvm.sext %[[NT]] : i32 to i64
// CHECK: llvm.call @decode(%[[ARENA]], %[[STATE]], %[[WEIGHTS]], %[[TOKENS]], %[[POS]], %[[N]], %[[LOGITS]], %[[TEAM]], %[[TID64]], %[[NT64]])
// CHECK: llvm.return

// Prefill gives no logits.
// CHECK: llvm.func @nibble_prefill(%[[STEP:.*]]: !llvm.ptr, %{{.*}}: i32, %{{.*}}: i32)
// CHECK: llvm.getelementptr %[[STEP]][40]
// CHECK-NEXT: llvm.load
// CHECK-NEXT: llvm.getelementptr %[[STEP]][64]
// CHECK: llvm.call @prefill(

// The head takes a row.
// CHECK: llvm.func @nibble_head(%[[STEP:.*]]: !llvm.ptr, %{{.*}}: i32, %{{.*}}: i32)
// CHECK: llvm.getelementptr %[[STEP]][16]
// CHECK-NEXT: llvm.load
// CHECK-NEXT: %[[P:.*]] = llvm.getelementptr %[[STEP]][48]
// CHECK-NEXT: %[[ROW:.*]] = llvm.load %[[P]] : !llvm.ptr -> i64
// CHECK-NEXT: %[[P:.*]] = llvm.getelementptr %[[STEP]][56]
// CHECK: llvm.call @head(%{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[ROW]], %

// CHECK: llvm.mlir.global external constant @nibble_abi_version_of_model(2 : i32)
