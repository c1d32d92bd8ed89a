"""Tests of the chart in `helm/`: rendered by Helm's own engine, held against Kubernetes' schemas and rules of ours."""
